-- Forget a large value.
DELETE FROM {large} WHERE part BETWEEN :first AND :first + 0x7fff;
