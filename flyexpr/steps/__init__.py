"""The course of operations that take several requests, without a word to any engine.

Each is an object that says the next request and is fed its answer; `run` drives them, and an async loop can as well.
"""
