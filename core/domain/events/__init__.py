"""Events: what happened, in the past tense, by subject. Committed with the change that they report, sent later."""
