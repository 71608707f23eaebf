-- Rows were merged to where a sweep would have them; some of them are in front.
UPDATE {meta} SET swept_rows = swept_rows + :rows, n_front = n_front + :front;
