-- Is there one row of a key in front? So it is if nothing came since the sweep.
SELECT swept_arrival = (SELECT max(arrived) FROM {arrival}) FROM {meta};
