-- And back to positive.
UPDATE {seen} SET seq = -seq WHERE device = :self AND seq < 0;
