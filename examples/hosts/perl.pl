# DBI with DBD::SQLite (Debian: libdbd-sqlite3-perl): perl perl.pl, beside
# kv.so.
use strict;
use warnings;
use DBI;

sub connect_as {
    my ($device) = @_;
    # DBI binds every value as text: 5 would be stored as '5', unless you say
    # SQL_INTEGER. The option sqlite_see_if_its_a_number guesses instead, also
    # for keys: '007' would become the number 7.
    my $db = DBI->connect('dbi:SQLite:dbname=:memory:', '', '', {
        RaiseError => 1, PrintError => 0, AutoCommit => 1,
        sqlite_unicode => 1 });
    $db->sqlite_enable_load_extension(1);
    $db->sqlite_load_extension('./kv');
    $db->selectrow_array("SELECT kv_open('notes.kv', ?)", undef, $device);
    return $db;
}

sub set {
    my ($db, $key, $value, $type) = @_;
    my $st = $db->prepare_cached('INSERT INTO kv VALUES (?, ?)');
    $st->bind_param(1, $key, DBI::SQL_VARCHAR);
    $st->bind_param(2, $value, $type);
    $st->execute;
}

my $laptop = connect_as('laptop');
print "SQLite $laptop->{sqlite_version}\n";
$laptop->begin_work;
set($laptop, 'title', 'Hello', DBI::SQL_VARCHAR);
set($laptop, 'stars', 5, DBI::SQL_INTEGER);
$laptop->commit;

my $phone = connect_as('phone');
$phone->do("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

my ($merged) = $laptop->selectrow_array('SELECT kv_sync()');
my ($stars, $type) = $laptop->selectrow_array(
    "SELECT value, typeof(value) FROM kv WHERE key = 'stars'");
my $history = join "\n", map { join ' ', @$_ } @{ $laptop->selectall_arrayref(
    'SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq') };
print "$history\n";
die "$merged $stars $type\n" if "$merged $stars $type" ne '1 6 integer';
die "another history\n" if $history ne
    "laptop set title Hello\nlaptop set stars 5\nphone set stars 6";
$phone->disconnect;
$laptop->disconnect;
