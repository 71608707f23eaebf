-- Say whose log it is.
INSERT INTO device(name, id, host, created, base_seq, base_sum, algo)
VALUES(:name, :id, :host, :created, 0, :base_sum, 'xxh3-64');
