"""Attributes that are made of others: templates such as `U#{user}`, read forwards and backwards."""
