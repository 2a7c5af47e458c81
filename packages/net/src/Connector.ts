/**
 * Opens a socket to one checked address. It is the seam below the policy: a test puts a recorder here and sees every
 * address that would have been connected to.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as net from "node:net"
import type * as tls from "node:tls"
import { buildConnector } from "undici"
import type { CheckedAddress } from "./Address.ts"

export interface ConnectTarget {
  readonly address: CheckedAddress
  readonly port: number
  /** TLS, verified for `name`, or for the address itself when the URL has no name. */
  readonly secure: boolean
  readonly name: string | undefined
  readonly timeoutMs: number
}

export type Opened = (error: Error | null, socket: net.Socket | tls.TLSSocket | null) => void

export class Connector extends Context.Service<Connector, {
  readonly open: (target: ConnectTarget, opened: Opened) => void
}>()("baton/net/Connector") {
  /** `ca` replaces the trusted authorities (PEM); without it Node's own count. */
  static readonly layerWith = (options: { readonly ca?: string | ReadonlyArray<string> }): Layer.Layer<Connector> =>
    Layer.sync(Connector, () => {
      const connectors = new Map<number, buildConnector.connector>()
      const connectorFor = (timeoutMs: number) => {
        const known = connectors.get(timeoutMs)
        if (known !== undefined) return known
        const made = buildConnector({
          timeout: timeoutMs,
          allowH2: false,
          autoSelectFamily: false,
          ...(options.ca === undefined ? {} : { ca: [options.ca].flat() })
        })
        connectors.set(timeoutMs, made)
        return made
      }
      return { open: (target, opened) => connect(connectorFor(target.timeoutMs), target, opened) }
    })

  static readonly layer = Connector.layerWith({})
}

/** The host given to the socket is the checked address, so that no resolver is asked; the name goes to TLS alone. */
const connect = (connector: buildConnector.connector, target: ConnectTarget, opened: Opened): void =>
  connector(
    {
      hostname: target.address.text,
      protocol: target.secure ? "https:" : "http:",
      port: String(target.port),
      ...(target.secure && target.name !== undefined ? { servername: target.name } : {})
    },
    (...result) => result[0] === null ? opened(null, result[1]) : opened(result[0], null)
  )
