"""Operations that may take several requests, as steps: no engine, no clock and no thread.

What ends in one result is a generator: it yields a Request or a Pause, is sent the answer's bytes, has a FlyexprError
thrown in where the engine raised one, and returns the result. What gives items is an object, a Reading: `request()`
says what to send and `feed(body)` gives the items of its answer. The doors, `flyexpr.sync` and `flyexpr.aio`, drive
both.
"""
