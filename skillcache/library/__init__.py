"""Results of one's own code in the cache: what `from skillcache import SkillCache, cached, ...` gives.

Entries, generations and claims are those of the hooks, in the same stores and under the same keys.
"""
