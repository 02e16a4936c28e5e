"""Holds what happened, in the past tense, by what it is about. Written with what they tell, sent later."""
