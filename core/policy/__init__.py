"""The verbs of trading, pure: no await, no clock, no logging. A picture of the present in, a decision out."""
