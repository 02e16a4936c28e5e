"""The trading policy, pure: no await, no clock, no logging. Takes a decision context, returns a decision."""
