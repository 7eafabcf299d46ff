"""The console of a server: a page to look through its tables, and the calls that the page makes.

The page is at `/console/?token=T`; GET gives it to who knows the token, and 403 to all others. It is made of the files
in `web`, put into one answer: the text of a file stands for `<link rel="stylesheet" href="NAME.css">` and for
`<script src="NAME.js"></script>` in page.html. Its Content-Security-Policy allows these texts and nothing else.

A call is `POST /console/api/NAME` with the token in the header `X-Flyexpr-Token` and a JSON object as its body, of
Content-Type application/json. Its answer is a JSON object. Members with `?` may be missing.

    tables   start?                        engine, writable, tables: [name], next?
    table    table                         name, key: [{name, type}], indexes: [{name, kind, key: [{name, type}],
                                           projection, ready}], items, bytes, billing, stream, ttl?
    explain  table, text, index?,          plan: [line], reading: "get", "query", "scan" or "nothing", index?, cost,
             descending?                   warnings: [text]
    page     table, text, size, index?,    items: [ITEM], keys: [ITEM], cursor?,
             descending?, cursor?,         stats: {requests, units, read, returned}
             scan?: {budget}
    item     table, key: ITEM              item: ITEM in lines, or null
    diff     table, key, old, item         update, lines: [text], creates
    save     table, key, old, item         item: ITEM in lines
    create   table, item                   item: ITEM in lines
    delete   table, key, old               item: null
    changes  table, cursor?                changes: [{kind, key, old, new, at}], cursor
    search   table, attribute, vector,     found: [{score, item, key}], notes: [text]
             top, text?, index?

ITEM is a text, not an object: the item as JSON of `flyexpr.values.plain_json`, in which every type of DynamoDB has its
form: {"$set": [...]}, {"$bytes": "base64"}, and numbers with all their digits, which a JavaScript number cannot keep.
So the page shows, edits and gives back what it was given, letter for letter. Items and keys come on one line; where it
says "in lines", each attribute has a line of its own. `old` of diff is null for an item that is new. An index of kind
"vector" also has attribute, dimensions, distance and filters. A change has null for the side that its stream does not
keep. `changes` without a cursor begins now. A page may have fewer items than its size, or none, and a cursor: its
budget or ten seconds are over, and the next page goes on there.

A failure is {"error": text, "hint"?: text, "position"?: number}; the position is a character of `text`, from 0. Its
status is 400 for what is wrong or refused, 403 without the token or the right to write, 404 for a call or a table that
is not there, 409 where the stored item is not the `old` one (then `item` has the stored one, in lines, or null), 502
where the engine does not answer, 500 for a defect. The refusal of a scan without a budget has `needs`: "budget", and
`cost` in words.
"""
