-- The devices that are known.
SELECT device FROM {cursor} ORDER BY device;
