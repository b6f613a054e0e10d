"""Results of one's own code in the cache: what `from skillcache import SkillCache, cached, ...` gives."""
