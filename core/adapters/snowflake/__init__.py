"""The signals table and the execution history in Snowflake."""
