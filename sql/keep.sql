-- The copies of logs, after they were made.

-- name: keep_lost
-- Devices of which a row says that they are retired, and whose log no file here has as
-- far as it is merged.
SELECT d.device FROM {cursor} AS d
WHERE d.device <> :self AND d.id IS NOT NULL AND d.state <> 'ok' AND EXISTS(
  SELECT 1 FROM {seen} AS s
  WHERE s.peer = d.device AND s.op = 3
    AND substr(s.peer_id, 1, 8) = substr(d.id, 1, 8));

-- name: keep_back
-- The merged devices that no row says to be retired up to where their log is merged, and
-- whose own directory has that.
SELECT d.device FROM {cursor} AS d
WHERE d.device <> :self AND d.id IS NOT NULL AND d.state = 'ok' AND NOT EXISTS(
  SELECT 1 FROM {seen} AS s
  WHERE s.peer = d.device AND s.op = 3
    AND substr(s.peer_id, 1, 8) = substr(d.id, 1, 8) AND s.peer_seq >= d.seq);
