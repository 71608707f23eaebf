-- What a sync does for later ones.

-- name: upkeep_contested
-- Is any key contested?
SELECT 1 FROM {contested} LIMIT 1;
