"""Proposals on their way from faculty to the catalogue.

`drafts` writes what is proposed, `steps` takes it from stage to stage by the table in
`courses.workflow`, `activation` makes a course of it, `boxes` says what waits for whom.
"""
