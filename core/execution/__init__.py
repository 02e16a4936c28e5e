"""From a decision to an executed order: placement, recovery, exits that are retried."""
