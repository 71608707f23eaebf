-- Rows were taken away: forget the large values that no row has any more.
DELETE FROM {large} WHERE (part & ~0x7fff) NOT IN (
  SELECT large FROM {cache} WHERE large IS NOT NULL);
