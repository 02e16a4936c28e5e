"""The process: its parts built and connected, then started, watched and stopped in order."""
