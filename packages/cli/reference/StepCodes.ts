/**
 * Codes of runs and steps: in `error` and `warnings` of a run's document, in its events, and in refusals of commands.
 * Codes of flow documents and of patches stand in the kernel with their meaning. A test compares this with the source.
 */

export interface StepCode {
  readonly code: string
  readonly meaning: string
}

const codesOf = (table: string): ReadonlyArray<StepCode> =>
  table.trim().split("\n").map((line) => {
    const [code = "", meaning = ""] = line.split(" | ")
    return { code, meaning }
  })

/** How a run or step ended, or why it waits. */
export const failures = codesOf(`
ABORTED | A person has aborted at a checkpoint.
CANCELLED | The run was cancelled, or its end has cancelled the step.
CHILD_CANCELLED | The run that the step had started was cancelled.
CHILD_DEPTH | Flows call each other more deeply than allowed.
CHILD_FAILED | The run that the step had started has failed.
CHILD_TIMEOUT | The run that the step had started took longer than the step may.
CHOICE_EMPTY | No rule of a choice is true, and there is no otherwise.
DEADLINE_EXCEEDED | The run's deadline is over.
EXPRESSION_FAILED | An expression has no value, or takes too long.
FIELD_INVALID | A field has a value that its node cannot take.
FLOW_UNPINNED | The flow that the step calls was not fixed when the run began.
INTERRUPTED | The process died while the step ran, too often.
MANUAL_ABORT | An operator has failed the step.
MAP_FAILED | More items of a map have failed than it tolerates.
MAP_INVALID | A map has no list to go over, or one that is too long.
NODE_TYPE_UNSERVED | The run was started where nobody knows this node type.
OUTCOME_UNKNOWN | A call was made, and nobody knows what came of it; it is not made again.
OUTPUT_INVALID | What the step answered does not fit its output schema.
POISON | The step was begun three times, and its worker died each time.
QUESTIONS_MAX | The agent has asked people as often as it may.
QUESTION_INVALID | The agent's question cannot be asked.
QUESTION_REFUSED | Nobody has answered the agent's question.
REJECTED | A person has rejected, and nothing follows a rejection.
STEPS_LIMIT | The run would have more steps than limits.steps.
STEP_BROKE | The program of the step has a fault.
STEP_INTERRUPTED | The step was told to stop.
SUCCEEDED | The run has done all it had to do.
TIMEOUT | The attempt took longer than its timeout.
TYPE_UNSERVED | This worker does not know the node type.
VALUE_TOO_LARGE | A value is larger than the limit.
WARNED | The run has done what it had to do, with warnings.
WAIT_INVALID | A wait has no time or event to wait for.
`)

/** What a run goes on with all the same: it ends as warned. */
export const warnings = codesOf(`
CHILD_WARNED | The run that the step had started ended with warnings.
MAP_FAILURES_TOLERATED | Items of a map have failed, as many as it tolerates.
OUTPUT_REPAIRED | The agent's answer was no JSON until it was repaired.
OUTPUT_UNRESOLVED | The run's output cannot be made.
OVERRUN | A call has cost more than was reserved for it.
RULE_ERRED | A rule of a branch has no value and counts as false.
RUN_STALLED | The run has not moved for longer than it should.
STEP_CONTINUED | A step has failed, and the flow says to go on.
STEP_FALLBACK | A step has failed, and the flow says what to use instead.
STEP_OVERRIDDEN | An operator gave the output of a step.
`)

/** Why a command to a run changes nothing. */
export const refusals = codesOf(`
ALREADY_VOTED | The same person has approved already; others have to as well.
ATTEMPT_STALE | The attempt is no longer the one that counts.
BUDGET_NONE | The run has no budget that could be raised.
CALLS_MAX | The step has made as many calls as it may.
CALL_STARTED | The call has been announced already.
COMMAND_INVALID | This is no command that Baton knows.
CONCURRENCY_KEY_INVALID | The flow's concurrency key has no value for this input.
DELAY_INVALID | The delay before a retry is outside of its range.
EFFECT_NOT_ALLOWED | The call has an effect that its step does not declare.
EPOCH_STALE | Another process has taken the run over.
EVENTS_MAX | The run keeps as many unread events as it may.
EXPIRED | The time for a decision is over.
NOTE_TOO_LONG | The note is longer than the limit.
NOT_AN_APPROVER | This person is not among the approvers.
PARENT_PAUSED | The run that has started this one is paused.
REQUESTER_MAY_NOT_APPROVE | Who has started the run may not approve here.
REUSE_INVALID | A step that should be kept is not in the flow.
RUN_EXISTS | The run has been created already.
RUN_LOST | Another process has taken the run over meanwhile.
SKIP_NOT_ALLOWED | The flow does not allow to skip this step.
STEP_NOT_WAITING | The step waits for nobody.
TURNS_MAX | The agent has had as many turns as there may be.
TURN_STALE | The turn is not the next one.
USAGE_SETTLED | What the attempt has used is known exactly.
`)

/** Agents, their models and tools. */
export const agents = codesOf(`
AGENT_API | The model's service has refused or broken the call.
AGENT_CONFIGURATION | The agent is defined wrongly, or its model is not configured.
AGENT_REFUSED | The model refuses to answer.
AGENT_STORE | What the agent has done cannot be recorded now.
AGENT_TIMEOUT | The agent took longer than its timeout.
AGENT_VALIDATION | The agent's answer does not fit what was asked for.
APPROVAL_INVALID | The agent's question to a person cannot be asked.
ARGUMENTS_INVALID | Arguments of a tool do not fit its schema.
BUDGET_EXHAUSTED | The budget is spent, and nobody is asked for more.
BUDGET_SHORT | The next turn cannot be reserved from the budget.
CALL_NOT_STARTED | The call was not made: the run has ended.
CALL_STARTED_BEFORE | The call was begun before, and nobody knows what came of it.
CONVERSATION_NOT_RECORDED | A turn cannot be recorded, so nothing was done.
CONVERSATION_UNREADABLE | The turns that were recorded cannot be read.
CORPUS_EMPTY | No document was found.
CORPUS_TOO_LARGE | The documents are larger than the limit.
DOCUMENT_TOO_LARGE | A document is larger than the limit.
DOCUMENT_UNREADABLE | A document cannot be read.
FILES_NOT_FOUND | A path of documents leads to nothing.
FILES_REFUSED | A path of documents is outside of the folder, or there are too many.
INDEX_FAILED | The index of the documents cannot be used.
RESULT_INVALID | A tool has answered what cannot be used.
STEP_BUDGET | What an attempt of the step may cost is not enough for another turn.
TOOL_BROKE | The program of a tool has a fault.
TOOL_OUTCOME_UNKNOWN | A tool was called, and nobody knows what came of it.
TOOL_TIMEOUT | A tool took longer than it may.
TOOL_UNKNOWN | The agent has no such tool.
TURNS_EXHAUSTED | The agent has had all its turns without an answer.
TURN_NOT_RESERVED | The next turn cannot be reserved.
`)

/** Files, functions, HTTP steps, stored values and secrets. */
export const works = codesOf(`
BLOB_CORRUPT | A stored value is not what its address says.
BLOB_FULL | There is no room for a value.
BLOB_READ_ONLY | Values cannot be written.
BLOB_UNAVAILABLE | Stored values cannot be read now.
CONTENT_INVALID | The content of a file step is no text or JSON.
DISK_FULL | There is no room for the file.
FILE_CONTENDED | Another delivery of the step wrote the file at once.
FILE_FAILED | The file cannot be written.
FILE_TOO_LARGE | The file is larger than the limit.
FUNCTION_FAILED | The function has failed.
HTTP_STATUS | The answer's status is none that is expected.
HTTP_TIMEOUT | The call took longer than its timeout.
METHOD_INVALID | The method of a call is none.
PERMISSION_DENIED | This user may not write the file.
READ_ONLY | The folder of files cannot be written.
REDIRECT_REFUSED | A redirect is not followed.
SECRET_HOST_NOT_ALLOWED | The secret may not be sent to this host.
SECRET_MISSING | The secret is not set.
SECRET_NAME_INVALID | This is no name of a secret.
SECRET_TRANSFORMED | A secret may only be used as it is, not in a longer expression.
SECRET_UNAVAILABLE | Secrets cannot be read now.
SECRET_UNDECRYPTABLE | The secret was sealed with another key.
STORE_READ | What the step needs cannot be read from the store now.
`)

export const groups: { readonly [title: string]: ReadonlyArray<StepCode> } = {
  "Of runs and steps": failures,
  "Of warnings": warnings,
  "Of commands": refusals,
  "Of agents": agents,
  "Of work": works
}

export const all: ReadonlyArray<StepCode> = Object.values(groups).flat()
