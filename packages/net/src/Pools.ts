/**
 * Sockets kept for the next call. A pool belongs to one policy, one origin and one checked address: a socket that is
 * reused went where the policy of this very call lets it go, and the call was checked again before it asked for it.
 */
import { Pool } from "undici"
import type { CheckedAddress } from "./Address.ts"
import type { Connector } from "./Connector.ts"

export interface PoolTarget {
  readonly policy: string
  readonly origin: string
  readonly address: CheckedAddress
  readonly port: number
  readonly secure: boolean
  readonly name: string | undefined
}

export interface PoolLimits {
  readonly poolsMax: number
  readonly socketsMax: number
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  readonly headersBytesMax: number
}

export class Pools {
  readonly #connector: Connector["Service"]
  readonly #limits: PoolLimits
  /** In the order of their last use. */
  readonly #open = new Map<string, Pool>()
  /** Finishing what they were given before they were put aside. */
  readonly #closing = new Set<Pool>()

  constructor(connector: Connector["Service"], limits: PoolLimits) {
    this.#connector = connector
    this.#limits = limits
  }

  get size(): number {
    return this.#open.size
  }

  get(target: PoolTarget): Pool {
    const key = `${target.address.text} ${target.origin} ${target.policy}`
    const pool = this.#open.get(key) ?? this.#make(target)
    this.#open.delete(key)
    this.#open.set(key, pool)
    if (this.#open.size > this.#limits.poolsMax) this.#putAsideOldest()
    return pool
  }

  /** Breaks off every call that is still going on. */
  async destroy(): Promise<void> {
    const pools = [...this.#open.values(), ...this.#closing]
    this.#open.clear()
    this.#closing.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #make({ address, name, origin, port, secure }: PoolTarget): Pool {
    const { connectTimeoutMs: timeoutMs, headersBytesMax, keepAliveMs, socketsMax } = this.#limits
    return new Pool(origin, {
      connections: socketsMax,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: headersBytesMax,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      connect: (_, opened) =>
        this.#connector.open({ address, port, secure, name, timeoutMs }, (error, socket) => {
          if (socket === null) opened(error ?? new Error("no socket"), null)
          else opened(null, socket)
        })
    })
  }

  #putAsideOldest(): void {
    const oldest = this.#open.entries().next().value
    if (oldest === undefined) return
    const [key, pool] = oldest
    this.#open.delete(key)
    this.#closing.add(pool)
    const forget = () => this.#closing.delete(pool)
    pool.close().then(forget, forget)
  }
}
