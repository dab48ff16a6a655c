"""A robot that corrects predictions as a person would, and what a model makes of it.

How it flows: `kinds` reads images and volumes with true objects; `robot` opens views of
those that may be opened, in single planes (`desk`), and corrects them by the edits of
the dock, paying for every action by the table in `hand`; `play` lets a `learner` learn
meanwhile; `curves` holds what came out on the images that nobody opened, and `summary`
makes tables and plots of many runs.
"""
