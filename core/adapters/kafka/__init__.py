"""Signals from Kafka, dead letters, committed offsets."""
