-- Begin another incarnation: an epoch that the last one was not.
UPDATE {meta} SET epoch = (epoch + :step) & 0xfffff;
