-- The same for seen rows.
UPDATE {seen} SET seq = -seq WHERE device = :self;
