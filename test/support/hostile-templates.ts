/** A template that would cost dear, the event that it is tried on, and what is said of it. */
export interface HostileTemplate {
  name: string;
  template: string;
  event: Record<string, unknown>;
  error: RegExp;
}

const TOO_MUCH = /the template does too much: its loops or its texts grow too large\.$/;
const NOT_JSON = /what it makes is not JSON/;
const TOO_DEEP = /this nests too deeply\.$/;
const ENDS_OF_RANGES = /a range goes from one number to another, each between -1000000 and 1000000\.$/;

/** A loop that by itself costs about a tenth of what is allowed. */
const loop = (body: string) => `{% for i in (1..700) %}${body}{% endfor %}`;
const text = 'a'.repeat(90_000);
const list = Array.from({ length: 10_000 }, (_, index) => index);
const members = Object.fromEntries(list.slice(0, 8_000).map((index) => [`k${index}`, index]));
const periodic = 'a'.repeat(20_000);
const event = {
  text,
  list,
  members,
  items: list.slice(0, 500).map((id) => ({ id })),
  long: `${periodic}${periodic}`,
  middle: `${periodic}b${periodic}`,
  digits: '1'.repeat(90_000),
};

const CASES: [name: string, template: string, error: RegExp, fields?: Record<string, unknown>][] = [
  // Loops and ranges.
  ['a range of a billion', '{% for i in (1..1000000000) %}x{% endfor %}', ENDS_OF_RANGES],
  ['a range of a million', '{% assign x = (1..1000000) %}', TOO_MUCH],
  ['a range where adding 1 makes no difference', '{% for i in (9007199254740992..9007199254740994) %}x{% endfor %}', ENDS_OF_RANGES],
  ['such a range of numbers of the event', '{% for i in (low..high) %}x{% endfor %}', ENDS_OF_RANGES, { low: 2 ** 53, high: 2 ** 53 + 2 }],
  ['such a range outside a loop', '{% assign x = (9007199254740992..9007199254740994) | size %}', ENDS_OF_RANGES],
  ['such a range as an argument', '{{ 1 | default: (9007199254740992..9007199254740994) }}', ENDS_OF_RANGES],
  ['such a range in a condition', '{% if (9007199254740992..9007199254740994) contains 1 %}{% endif %}', ENDS_OF_RANGES],
  ['such a range in a case', '{% case 1 %}{% when (9007199254740992..9007199254740994) %}{% endcase %}', ENDS_OF_RANGES],
  ['such a range in brackets', '{{ items[(9007199254740992..9007199254740994)] }}', ENDS_OF_RANGES],
  ['a range to infinity', '{% for i in (1..high) %}x{% endfor %}', ENDS_OF_RANGES, { high: Number.POSITIVE_INFINITY }],
  ['loops in loops, empty', loop(loop(loop(''))), TOO_MUCH],
  ['loops in loops that write', loop(loop('{{ i }}')), TOO_MUCH],
  ['a loop with a condition of many parts', loop(`{% if i == 0${' or i == 0'.repeat(900)} %}{% endif %}`), TOO_MUCH],
  ['a loop over many branches', loop(`{% if false %}${'{% elsif nil %}'.repeat(1_200)}{% endif %}`), TOO_MUCH],
  ['a loop over many cases', loop(`{% case i %}{% when ${'0,'.repeat(9_000)}0 %}{% endcase %}`), TOO_MUCH],
  ['a loop over many arguments', loop(`{{ i | default: ${'1,'.repeat(9_000)}1 }}`), TOO_MUCH],
  ['a loop over many filters', loop(`{{ i${' | plus: 1'.repeat(1_500)} }}`), TOO_MUCH],
  ['loops that assign', loop(loop('{% assign x = i %}')), TOO_MUCH],
  ['a loop over a long path', loop(`{{ ${'items.'.repeat(2_000)}a }}`), TOO_MUCH],
  ['a loop over a long text of its own', loop(`{{ "${'x'.repeat(15_000)}" | size }}`), TOO_MUCH],
  ['a loop over the first of many members', loop('{% for p in members limit: 1 %}{% endfor %}'), TOO_MUCH],
  ['a loop over the first of a long list, reversed', loop('{% for p in list reversed limit: 1 %}{% endfor %}'), TOO_MUCH],
  ['a list as a limit', loop('{% for i in items limit: list %}{% endfor %}'), /`limit` and `offset` are numbers\.$/],
  [
    'a loop whose variable has a long name',
    `{% for ${'x'.repeat(15_000)} in list %}{% if forloop %}{% endif %}{% endfor %}`,
    /a `for` has at most 500 characters\.$/,
  ],
  // Texts and lists that grow.
  ['a text that doubles', `{% assign s = "aaaaaaaa" %}${loop('{% assign s = s | append: s %}')}`, TOO_MUCH],
  ['a captured text that doubles', `{% assign s = "aaaaaaaa" %}${loop('{% capture s %}{{ s }}{{ s }}{% endcapture %}')}`, TOO_MUCH],
  ['a list that doubles', loop('{% assign list = list | concat: list %}'), TOO_MUCH],
  [
    'a list of long texts as one',
    '{% for i in (1..60) %}{% assign l = l | concat: many %}{% endfor %}{{ l }}',
    TOO_MUCH,
    { many: Array(9).fill(text) },
  ],
  ['each letter replaced by a long text', '{{ text | replace: "a", text }}', TOO_MUCH],
  ['a long text written often', '{{ text }}'.repeat(100), TOO_MUCH],
  ['a text of more than 250,000 bytes', '"{{ text }}{{ text }}{{ text }}"', /what it makes has more than 250000 bytes\.$/],
  ['one of characters that take three', '"{{ text }}"', /what it makes has more than 250000 bytes\.$/, { text: '€'.repeat(90_000) }],
  ['escapes of escapes', `{{ text${' | escape'.repeat(60)} }}`, TOO_MUCH, { text: '&'.repeat(20_000) }],
  ['a date padded to a gigabyte', '{{ "2026-01-01" | date: "%999999999d" }}', TOO_MUCH],
  // Filters and operators that take longer than their input is long.
  ['a search that compares each with each', '{% if long contains middle %}1{% endif %}', TOO_MUCH],
  ['the same from the end', '{{ long | remove_last: middle }}', TOO_MUCH],
  ['the same, to split', '{{ long | split: middle }}', TOO_MUCH],
  ['the same, with a list for a text', '{% assign p = middle | split: "x" %}{{ long | remove_last: p }}', TOO_MUCH],
  ['the same, in a condition', '{% assign p = middle | split: "x" %}{% if long contains p %}{% endif %}', TOO_MUCH],
  ['a long number as a place', '{{ text | slice: digits }}', /`slice` takes a number\.$/],
  ['a long number as a length', '{{ text | truncate: digits }}', /`truncate` takes a number\.$/],
  ['sorting in a loop', loop('{% assign l = list | sort %}'), TOO_MUCH],
  ['sorting long texts', '{{ many | sort_natural | size }}', TOO_MUCH, { many: Array.from({ length: 900 }, (_, i) => 'x'.repeat(90) + i) }],
  ['uniq in a loop', loop('{% assign l = list | uniq %}'), TOO_MUCH],
  ['where in a loop', loop('{% assign l = items | where: "id", 3 %}'), TOO_MUCH],
  ['a property of many parts', `{{ list | map: "${'a.'.repeat(49)}a" | size }}`, TOO_MUCH],
  [
    'a property that would be parsed',
    '{{ items | where: "a[(1..9)]" }}',
    /`where` takes the name of a property, without brackets, of at most 100 characters\.$/,
  ],
  ['many dates in words', '{% for i in (1..2000) %}{{ "2026-01-01" | date: "%A %B" }}{% endfor %}', TOO_MUCH],
  ['one date with many words', `{{ "2026-01-01" | date: "${'%A'.repeat(9_000)}" }}`, TOO_MUCH],
  ['one date with a list of words', `{% assign f = "${'%A '.repeat(6_000)}" | split: " " %}{{ "2026-01-01" | date: f }}`, TOO_MUCH],
  ['many dates without a format', '{% for i in (1..2000) %}{{ "2026-01-01" | date }}{% endfor %}', TOO_MUCH],
  ['many dates in a time zone', '{% for i in (1..2000) %}{{ "2026-01-01" | date: "%d", "Asia/Tokyo" }}{% endfor %}', TOO_MUCH],
  ['the size of many members', loop('{{ members.size }}'), TOO_MUCH],
  ['whether many members are none', loop('{% if members == empty %}{% endif %}'), TOO_MUCH],
  ['whether a long text is blank', loop('{% if blanks == blank %}{% endif %}'), TOO_MUCH, { blanks: ' '.repeat(90_000) }],
  ['long texts compared', `{% assign b = text | upcase | downcase %}${loop('{% if text == b %}{% endif %}')}`, TOO_MUCH],
  [
    'long texts compared by cases',
    '{% assign b = text | upcase | downcase %}{% for i in (1..99) %}{% case text %}{% when 0, b %}{% endcase %}{% endfor %}',
    TOO_MUCH,
  ],
  ['long lists compared', `{% assign b = list | reverse | reverse %}${loop('{% if list == b %}{% endif %}')}`, TOO_MUCH],
  ['a list as the name of a variable', loop('{{ [list] }}'), TOO_MUCH],
  ['a list as a key', loop('{{ members[list] }}'), TOO_MUCH],
  ['a list as a number', loop('{% assign x = list | plus: 1 %}'), TOO_MUCH],
  ['a list as JSON, in a loop', loop('{% assign x = list | json %}'), TOO_MUCH],
  ['words of a long text, in a loop', loop('{{ text | truncatewords: 3 }}'), TOO_MUCH],
  ['tags of a text of nothing but their beginnings', `{{ tags${' | strip_html'.repeat(30)} }}`, TOO_MUCH, { tags: '<'.repeat(90_000) }],
  // What is hard to read.
  ['blocks in blocks', '{%if a%}'.repeat(1_100) + '{%endif%}'.repeat(1_100), /blocks nest more than 50 levels deep\.$/],
  ['blocks in blocks by lines', `{% liquid\n${'if a\n'.repeat(3_900)}%}`, /blocks nest more than 50 levels deep\.$/],
  ['liquid in liquid', `{% ${'liquid '.repeat(2_800)}%}`, /`liquid` cannot stand inside `liquid`\.$/],
  ['brackets in brackets', `{{ ${'a['.repeat(6_000)}1${']'.repeat(6_000)} }}`, TOO_DEEP],
  ['ranges in ranges', `{{ ${'('.repeat(15_000)} }}`, TOO_DEEP],
  ['raw that never ends', `{% raw %}${'{%endraw'.repeat(2_400)}`, /not closed\.$/],
  ['thousands of outputs', '{{ nothing }}'.repeat(1_500), /it makes nothing, not even an empty JSON object\.$/],
  ['thousands of brackets', '{% for i in (1..200) %}[{% endfor %}{% for i in (1..200) %}]{% endfor %}', /nests deeper than 100 levels\.$/],
  ['a quote in a value', '"{{ quote }}"', NOT_JSON, { quote: '","admin":"' }],
];

export const HOSTILE_TEMPLATES: HostileTemplate[] = CASES.map(([name, template, error, fields]) => ({
  name,
  template: template.slice(0, 20_000),
  event: { event: 'visitor.identified', ...event, ...fields },
  error,
}));
