"""Agents that know of each other: who is there, and messages that reach them while they work.

The `post` is the contract: a registry of agents and an inbox for each, in both stores. A `message` is a value; `seal`
says who may write to whom; `page` puts what others wrote behind a fence; `arrival` is the way from an inbox into a
hook's answer; `collisions` tells agents that edit one file; `away` spares a session a store that hangs. `live`,
`publishing`, `sending` and `identity` are for people and programs, and no hook imports them.
"""
