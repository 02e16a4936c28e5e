{# A time with a zone as UTC's wall clock. #}
{% macro utc(column) %}{{ return(adapter.dispatch('utc')(column)) }}{% endmacro %}

{% macro default__utc(column) %}({{ column }} at time zone 'UTC'){% endmacro %}

{% macro snowflake__utc(column) %}convert_timezone('UTC', {{ column }})::timestamp_ntz{% endmacro %}
