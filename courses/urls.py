"""The catalogue's addresses."""

from django.urls import path

from .api.batches import Batches, BatchMembers, MyPlan, OneBatch
from .api.course_list import Courses
from .api.courses import CourseState, OneCourse
from .api.delegations import Delegations, OneDelegation
from .api.departments import Departments, OneDepartment, OnePlacement, Placements
from .api.offerings import Offerings, OneOffering, Terms
from .api.plans import (
    Curricula,
    CurriculumSemesters,
    CurriculumVersions,
    OneCurriculum,
    OneProgramme,
    OneSlot,
    Programmes,
    SlotCourse,
    Slots,
)
from .api.prerequisites import CoursePrerequisites, PrerequisiteReview, ReviewQueue
from .api.proposals import Archived, OneProposal, OneStep, Proposals, Rebase
from .api.teaching import Assignments, InstructorLoad, Loads, OneAssignment
from .api.versions import CourseComparison, CoursePreview, CourseRollback, CourseVersions

urlpatterns = [
    path("courses/", Courses.as_view(), name="courses"),
    path("courses/<int:course_id>/", OneCourse.as_view(), name="course"),
    path("courses/<int:course_id>/state/", CourseState.as_view(), name="course-state"),
    path("courses/<int:course_id>/preview/", CoursePreview.as_view(), name="course-preview"),
    path("courses/<int:course_id>/versions/", CourseVersions.as_view(), name="course-versions"),
    path("courses/<int:course_id>/compare/", CourseComparison.as_view(), name="course-compare"),
    path("courses/<int:course_id>/rollback/", CourseRollback.as_view(), name="course-rollback"),
    path(
        "courses/<int:course_id>/prerequisites/",
        CoursePrerequisites.as_view(),
        name="course-prerequisites",
    ),
    path(
        "courses/<int:course_id>/prerequisites/review/",
        PrerequisiteReview.as_view(),
        name="course-prerequisites-review",
    ),
    path("prerequisites/review/", ReviewQueue.as_view(), name="prerequisites-to-review"),
    path("departments/", Departments.as_view(), name="departments"),
    path("departments/<int:department_id>/", OneDepartment.as_view(), name="department"),
    path("departments/<int:department_id>/courses/", Placements.as_view(), name="placements"),
    path(
        "departments/<int:department_id>/courses/<int:place_id>/",
        OnePlacement.as_view(),
        name="placement",
    ),
    path("terms/", Terms.as_view(), name="terms"),
    path("offerings/", Offerings.as_view(), name="offerings"),
    path("offerings/<int:offering_id>/", OneOffering.as_view(), name="offering"),
    path("proposals/", Proposals.as_view(), name="proposals"),
    path("proposals/<int:proposal_id>/", OneProposal.as_view(), name="proposal"),
    path("proposals/<int:proposal_id>/archive/", Archived.as_view(), name="proposal_archive"),
    path("proposals/<int:proposal_id>/rebase/", Rebase.as_view(), name="proposal_rebase"),
    path("proposals/<int:proposal_id>/<str:step>/", OneStep.as_view(), name="proposal_step"),
    path("delegations/", Delegations.as_view(), name="delegations"),
    path("delegations/<int:delegation_id>/", OneDelegation.as_view(), name="delegation"),
    path("programmes/", Programmes.as_view(), name="programmes"),
    path("programmes/<int:programme_id>/", OneProgramme.as_view(), name="programme"),
    path("programmes/<int:programme_id>/curricula/", Curricula.as_view(), name="curricula"),
    path("curricula/<int:curriculum_id>/", OneCurriculum.as_view(), name="curriculum"),
    path(
        "curricula/<int:curriculum_id>/versions/",
        CurriculumVersions.as_view(),
        name="curriculum_versions",
    ),
    path(
        "curricula/<int:curriculum_id>/semesters/",
        CurriculumSemesters.as_view(),
        name="curriculum_semesters",
    ),
    path(
        "curricula/<int:curriculum_id>/semesters/<int:semester_no>/slots/",
        Slots.as_view(),
        name="slots",
    ),
    path("slots/<int:slot_id>/", OneSlot.as_view(), name="slot"),
    path("slots/<int:slot_id>/courses/<int:course_id>/", SlotCourse.as_view(), name="slot_course"),
    path("batches/", Batches.as_view(), name="batches"),
    path("batches/<int:batch_id>/", OneBatch.as_view(), name="batch"),
    path("batches/<int:batch_id>/members/", BatchMembers.as_view(), name="batch_members"),
    path("plan/", MyPlan.as_view(), name="my_plan"),
    path("assignments/", Assignments.as_view(), name="assignments"),
    path("assignments/<int:assignment_id>/", OneAssignment.as_view(), name="assignment"),
    path("instructors/loads/", Loads.as_view(), name="loads"),
    path("instructors/<int:user_id>/load/", InstructorLoad.as_view(), name="instructor_load"),
]
