-- And back to positive.
UPDATE {cache} SET seq = -seq WHERE device = :self AND seq < 0;
