-- Superseded rows were moved to the back.
UPDATE {meta} SET swept_arrival = :arrival, swept_rows = :rows,
  n_front = :front;
