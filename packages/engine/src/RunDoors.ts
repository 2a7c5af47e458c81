/** Which doors a record opens, changes and closes. */
import type { Door } from "@baton/kernel/Doors"
import * as Doors from "@baton/kernel/Doors"
import type { Event } from "@baton/kernel/Event"
import type { RunState } from "@baton/kernel/RunState"
import type { RunSlot } from "./RunSlot.ts"
import type { Commit } from "./RunStore.ts"

type DoorChange = NonNullable<Commit["doors"]>

const isSame = (one: Door, other: Door): boolean =>
  one === other || (one.dueAt === other.dueAt && one.kind === other.kind && one.title === other.title &&
    JSON.stringify(one.data) === JSON.stringify(other.data))

class Diff {
  readonly set: Array<Door> = []
  readonly clear: Array<string> = []
  readonly #held: RunSlot["doors"]

  constructor(held: RunSlot["doors"]) {
    this.#held = held
  }

  look(state: RunState, path: string): void {
    const before = this.#held.get(path) ?? []
    const now = Doors.doorsAt(state, path)
    for (const door of before) if (!now.some(({ id }) => id === door.id)) this.clear.push(door.id)
    for (const door of now) {
      const known = before.find(({ id }) => id === door.id)
      if (known === undefined || !isSame(known, door)) this.set.push(door)
    }
    if (now.length === 0) this.#held.delete(path)
    else this.#held.set(path, now)
  }
}

/**
 * Brings the slot's doors up to its state after `events`, and tells what the record must change in the store. A run
 * without doors whose events open none is not looked at.
 */
export const update = (slot: RunSlot, state: RunState, events: ReadonlyArray<Event>): DoorChange | undefined => {
  if (slot.doors.size === 0 && !events.some(Doors.mayOpen)) return undefined
  const paths = new Set<string>()
  for (const event of events) {
    const touched = Doors.touched(event)
    for (const path of touched === "all" ? slot.doors.keys() : touched) paths.add(path)
  }
  const diff = new Diff(slot.doors)
  for (const path of paths) diff.look(state, path)
  return diff.set.length === 0 && diff.clear.length === 0 ? undefined : { set: diff.set, clear: diff.clear }
}

/** The doors of a state that was folded from its journal, as the store has them. */
export const restore = (slot: RunSlot, state: RunState): void => {
  slot.doors.clear()
  for (const door of Doors.doors(state)) slot.doors.set(door.path, [...slot.doors.get(door.path) ?? [], door])
}
