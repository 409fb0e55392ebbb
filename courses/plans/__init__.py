"""Study plans (S1-41 to S1-45, S1-87): Programme, Curriculum, Semester, CourseSlot, Course.

`hierarchy` reads them into `values`, `writing` and `versions` change them, `batches` says who
studies by which, `credits` adds them up.
"""
