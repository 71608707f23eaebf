"""The page of examples/reports/timeline.sql, opened in Chromium.

    python3 tests/reports/test_timeline.py             test
    python3 tests/reports/test_timeline.py --update    update timeline.png

The page is made of the store of demo.sql by the stock shell. What the browser
made of it is read back as its DOM and as pixels. Fonts differ from machine to
machine: the marks are compared exactly, the picture as a whole only roughly
with timeline.png, which is kept to be looked at.

KV_MODULE_FILE: the module. SQLITE3: the shell. KV_PRELOAD: a library loaded
before it. CHROMIUM: the browser.
"""

import collections
import datetime
import html.parser
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
MODULE = os.environ.get('KV_MODULE_FILE',
                        os.path.join(SOURCE, 'build', 'kv.so'))
SHELL = os.environ.get('SQLITE3', 'sqlite3')
CHROMIUM = os.environ.get('CHROMIUM', 'chromium')
KEPT = os.path.join(HERE, 'timeline.png')
WIDTH, HEIGHT = 1280, 900
START = datetime.datetime(2026, 10, 20, 3, 0)  # of the demo store: its first row
STOP = datetime.datetime(2026, 11, 3, 9, 30)   # its now
LIGHT = {'edit': (0x00, 0x72, 0xb2), 'delete': (0xd5, 0x5e, 0x00),
         'conflict': (0xa3, 0x19, 0x7a)}
DARK = {'edit': (0x56, 0xb4, 0xe9), 'delete': (0xf0, 0x91, 0x3a),
        'conflict': (0xf0, 0x8f, 0xcd)}


def run_shell(folder, script):
    env = dict(os.environ, TZ='UTC')
    if os.environ.get('KV_PRELOAD'):
        env['LD_PRELOAD'] = os.environ['KV_PRELOAD']
    done = subprocess.run([SHELL, '-batch', '-init', os.devnull], cwd=folder,
                          input=script, env=env, text=True, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def browse(folder, page, *options):
    """Open a page; returns what the browser prints, and its complaints."""
    env = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
    env['HOME'] = folder
    done = subprocess.run(
        [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu',
         '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars',
         '--user-data-dir=' + os.path.join(folder, 'profile'),
         '--window-size=%d,%d' % (WIDTH, HEIGHT), '--enable-logging=stderr']
        + list(options) + ['file://' + os.path.join(folder, page)],
        cwd=folder, env=env, timeout=100, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    return (done.stdout.decode(),
            [line for line in done.stderr.decode().splitlines()
             if 'CONSOLE' in line])


class Node:
    def __init__(self, tag, attributes):
        self.tag, self.attributes = tag, attributes
        self.children = []
        self.text = ''

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, tag=None, kind=None):
        return [n for n in self.walk() if tag in (None, n.tag)
                and kind in (None, n.attributes.get('class'))]

    def words(self):
        return ''.join(n.text for n in self.walk())


class Tree(html.parser.HTMLParser):
    """The DOM as the browser prints it, in which every element is closed."""
    EMPTY = {'meta', 'link'}

    def __init__(self, text):
        super().__init__()
        self.root = Node('', {})
        self.open = [self.root]
        self.feed(text)
        assert self.open == [self.root], 'not closed: ' + self.open[-1].tag

    def handle_starttag(self, tag, attributes):
        node = Node(tag, dict(attributes))
        self.open[-1].children.append(node)
        if tag not in self.EMPTY:
            self.open.append(node)

    def handle_endtag(self, tag):
        node = self.open.pop()
        assert node.tag == tag, (node.tag, tag)

    def handle_data(self, data):
        self.open[-1].text += data


def read_png(path):
    """Width, height, and each line as bytes of red, green and blue."""
    with open(path, 'rb') as f:
        data = f.read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', body[:10])
        elif kind == b'IDAT':
            packed += body
        at += 12 + size
    assert depth == 8 and colour in (2, 6)
    n = 3 if colour == 2 else 4
    raw = zlib.decompress(packed)
    lines, above = [], bytearray(width * n)
    for y in range(height):
        start = y * (width * n + 1)
        line = bytearray(raw[start + 1:start + 1 + width * n])
        unfilter(raw[start], n, line, above)
        lines.append(line if n == 3 else bytes(
            b for i, b in enumerate(line) if i % 4 != 3))
        above = line
    return width, height, lines


def unfilter(kind, n, line, above):
    if kind == 1:
        for i in range(n, len(line)):
            line[i] = (line[i] + line[i - n]) & 255
    elif kind == 2:
        for i, b in enumerate(above):
            line[i] = (line[i] + b) & 255
    elif kind == 3:
        for i, b in enumerate(above):
            left = line[i - n] if i >= n else 0
            line[i] = (line[i] + (left + b) // 2) & 255
    elif kind == 4:
        for i, b in enumerate(above):
            left, corner = (line[i - n], above[i - n]) if i >= n else (0, 0)
            p = left + b - corner
            near = min((abs(p - left), 0, left), (abs(p - b), 1, b),
                       (abs(p - corner), 2, corner))
            line[i] = (line[i] + near[2]) & 255


class Picture:
    def __init__(self, path):
        self.width, self.height, self.lines = read_png(path)
        self.colours = collections.Counter()
        for line in self.lines:
            self.colours.update(zip(line[0::3], line[1::3], line[2::3]))

    def brightness(self):
        return (sum(sum(c) * n for c, n in self.colours.items())
                / (3 * self.width * self.height))

    def inked(self, size=20):
        """The squares in which something is drawn: their column and row."""
        out = set()
        for y in range(0, self.height - size + 1, size):
            for x in range(0, self.width - size + 1, size):
                seen = b''.join(line[3 * x:3 * (x + size)]
                                for line in self.lines[y:y + size])
                if max(seen) - min(seen) > 100:
                    out.add((x // size, y // size))
        return out


class TimelineTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='kv-timeline.')
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        shutil.copy(MODULE, cls.folder)
        cls.counts = run_shell(cls.folder, '''
.read "%s/demo.sql"
SELECT device, op, count(*) FROM kv_log GROUP BY device, op;
SELECT lost_device, 'lost', count(*) FROM kv_conflicts GROUP BY lost_device;
.once keys
SELECT key FROM kv_log GROUP BY key;
.read "%s/examples/reports/timeline.sql"
''' % (HERE, SOURCE)).splitlines()
        assert cls.counts.pop().startswith('Wrote kv-timeline.html')
        with open(os.path.join(cls.folder, 'keys'), encoding='utf-8') as f:
            cls.keys = f.read().splitlines()
        cls.dom, cls.console = browse(cls.folder, 'kv-timeline.html',
                                      '--dump-dom')
        cls.tree = Tree(cls.dom).root
        cls.take('light.png')
        cls.light = Picture(os.path.join(cls.folder, 'light.png'))
        cls.kept = Picture(KEPT) if os.path.exists(KEPT) else None

    @classmethod
    def take(cls, name, *options):
        browse(cls.folder, 'kv-timeline.html', '--screenshot='
               + os.path.join(cls.folder, name), *options)

    def marks(self):
        """Each mark as (lane, kind, node, title)."""
        return [(lane.children[1].text, mark.attributes['class'], mark,
                 mark.children[0].text)
                for lane in self.tree.find('g', 'lane')
                for mark in lane.children
                if mark.attributes.get('class') in LIGHT]

    def test_the_browser_says_what_it_finds_wrong(self):
        """The next two tests rely on this: scripts run here, and errors are
        reported."""
        with open(os.path.join(self.folder, 'wrong.html'), 'w') as f:
            f.write('<!doctype html><title>x</title><script>document.title'
                    ' = "ran"; console.error("here")</script>')
        dom, console = browse(self.folder, 'wrong.html', '--dump-dom')
        self.assertIn('<title>ran</title>', dom)
        self.assertIn('here', ''.join(console))

    def test_no_word_on_the_console(self):
        self.assertEqual(self.console, [])

    def test_keys_and_values_are_text(self):
        self.assertEqual({n.tag for n in self.tree.walk()} - {''}, {
            'html', 'head', 'meta', 'link', 'title', 'style', 'body', 'h1',
            'h2', 'p', 'dl', 'div', 'dt', 'dd', 'span', 'svg', 'rect', 'path',
            'g', 'text', 'ul', 'li', 'b'})
        names = {name for n in self.tree.walk() for name in n.attributes}
        self.assertEqual([name for name in names if name.startswith('on')], [])
        row = self.tree.find('li')[0]
        self.assertEqual(row.find('b')[0].words(), '<script>alert(1)</script>')
        self.assertIn('“"quoted" & \'single\'”', row.words())
        self.assertIn('“<b>bold</b>”', row.words())
        self.assertIn('<script>alert(1)</scrip…', ' '.join(
            title for _, kind, _, title in self.marks() if kind == 'conflict'))

    def test_it_loads_nothing(self):
        self.assertEqual(re.findall(r'(?:https?:)?//\w[^"\')]*', self.dom), [])
        self.assertEqual({(n.tag, name, n.attributes[name])
                          for n in self.tree.walk()
                          for name in ('src', 'href') if name in n.attributes},
                         {('link', 'href', 'data:,')})

    def test_each_device_has_a_lane_with_its_edits(self):
        expected, found = collections.Counter(), collections.Counter()
        for line in self.counts:
            device, op, n = line.split('|')
            expected[device, {'set': 'edit', 'lost': 'conflict'}.get(op, op)] \
                += int(n)
        for lane, kind, _, title in self.marks():
            n, word = re.search(r': ([\d,]+) (edit|delete|value)s?, ',
                                title).groups()
            self.assertEqual(kind.replace('conflict', 'value'), word)
            self.assertTrue(title.startswith(lane), title)
            found[lane, kind] += int(n.replace(',', ''))
        self.assertEqual(found, expected)
        self.assertEqual([lane.children[1].text for lane
                          in self.tree.find('g', 'lane')],
                         ['phone', 'laptop', 'server', 'tablet'])

    def test_a_mark_stands_at_its_time(self):
        seen = 0
        for _, kind, mark, title in self.marks():
            day, clock, last = re.search(
                r'\n\w{3} (\d+ \w{3}), (\d\d:\d\d)( to .*)?$', title).groups()
            time = datetime.datetime.strptime('2026 %s %s' % (day, clock),
                                              '%Y %d %b %H:%M')
            at = (float(mark.attributes['x']) if kind == 'edit' else
                  float(re.match(r'M([\d.]+)', mark.attributes['d'])[1]))
            expected = 180 + 1000 * ((time - START) / (STOP - START))
            self.assertLess(abs(at - expected), 10, title)
            seen += not last
        self.assertGreater(seen, 50)

    def test_titles_name_keys_of_the_store(self):
        keys = {k if len(k) <= 24 else k[:23] + '…' for k in self.keys}
        for _, _, _, title in self.marks():
            named = re.search(r'(?:edit|delete|value)s?, (.*)\n', title)[1]
            first, word, second = re.match(
                r'(.*?)(?:( to | and )(.*))?$', named).groups()
            self.assertIn(first, keys)
            self.assertTrue(word is None or second in keys, named)

    def test_totals_legend_and_dates(self):
        totals = {d.children[0].text: d.children[1].text
                  for d in self.tree.find('dl')[0].children}
        self.assertEqual(totals, {'Edits': '352', 'Deletes': '21', 'Devices': '4',
                                  'Conflicts': '2', 'Keys now': '70'})
        self.assertEqual(self.tree.find('p')[0].text,
                         'Tue 20 Oct to Tue 3 Nov, 09:30')
        axis = [n.text for n in self.tree.find('svg', 'chart')[0].children
                if n.tag == 'text']
        self.assertEqual(axis, ['22 Oct', '24 Oct', '26 Oct', '28 Oct',
                                '30 Oct', '1 Nov', 'now'])
        legend = self.tree.find('div', 'legend')[0].words()
        for word in ('edits', 'deletes', 'conflicts'):
            self.assertIn(word, legend)

    def test_the_marks_are_on_the_picture(self):
        kept = self.kept
        self.assertEqual((self.light.width, self.light.height),
                         (kept.width, kept.height))
        for kind, colour in LIGHT.items():
            n, there = self.light.colours[colour], kept.colours[colour]
            self.assertGreater(n, 50, kind)
            self.assertLess(abs(n - there), 0.15 * there + 20, kind)

    def test_the_picture_is_the_kept_one_but_for_fonts(self):
        """Most of what is drawn is in its old place; other fonts have similar
        widths."""
        there, here = self.kept.inked(), self.light.inked()
        self.assertGreater(len(there & here), 0.7 * len(there | here))
        self.assertGreater(self.light.brightness(), 200)

    def test_at_night_it_is_dark(self):
        self.take('dark.png', '--blink-settings=preferredColorScheme=0')
        dark = Picture(os.path.join(self.folder, 'dark.png'))
        self.assertLess(dark.brightness(), 60)
        for kind, colour in DARK.items():
            self.assertGreater(dark.colours[colour], 50, kind)


if __name__ == '__main__':
    if sys.argv[1:] == ['--update']:
        TimelineTest.setUpClass()
        shutil.copy(os.path.join(TimelineTest.folder, 'light.png'), KEPT)
        TimelineTest.doClassCleanups()
    else:
        unittest.main()
