"""Archives read in place: members by number, their bytes by place; nothing is ever written under a name that an archive gives."""
