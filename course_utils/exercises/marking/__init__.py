"""Marks a folder of submitted notebooks: `python -m course_utils.exercises.marking FOLDER`.

Each submission's own cells run in a process of their own, which has limits and an empty scratch
folder (worker, sandbox). What comes out of it are plain values (wire): no output and no file of
the submission is believed, and no object of it is rebuilt. Another process, in which nothing of
the submission runs, puts these values before the course's checks (judge). The command gives the
submissions to several judges and writes the tables (lanes, table).
"""
