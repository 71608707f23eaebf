-- The value of a row of the cache, in other texts {value c}: the one that it
-- has with it, or its parts.
CASE WHEN {row}.large IS NULL THEN {row}.value ELSE (
    SELECT kv_join(p.part, p.is_text, p.n_bytes, p.bytes) FROM {large} AS p
    WHERE p.part BETWEEN {row}.large AND {row}.large + 0x7fff) END;
