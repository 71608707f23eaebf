-- Begin another incarnation: an epoch that the last one was not. Rows were
-- taken away, so numbers of arrivals may come again.
UPDATE {meta} SET epoch = (epoch + :step) & 0xfffff, swept_arrival = -1;
