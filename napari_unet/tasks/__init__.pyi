from .objectives import refuse_idle_loss_options as refuse_idle_loss_options
from .registry import (
    all_tasks as all_tasks,
    check_name as check_name,
    find_task as find_task,
    goes_with as goes_with,
    register as register,
    task_names as task_names,
    task_of as task_of,
)
from .classes import CLASSES as CLASSES
from .instances import INSTANCES as INSTANCES
from .regression import REGRESSION as REGRESSION
from .task import Task as Task
