-- What marks a log.
PRAGMA encoding = 'UTF-8';
PRAGMA application_id = 0x4b564c47;
PRAGMA user_version = 1;
