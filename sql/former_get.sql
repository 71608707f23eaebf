-- Up to where a log had been read before another one took its place.
SELECT seq, sum, newest FROM {former} WHERE device = :device AND id = :id;
