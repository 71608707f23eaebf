-- From when on the history is whole.

-- name: past_horizon
-- The latest horizon of all logs that are merged, and whose it is.
SELECT horizon, device FROM {cursor} WHERE horizon > 0
ORDER BY horizon DESC, device LIMIT 1;
