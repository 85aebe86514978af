// POST /networks/create. CheckDuplicate is always sent: without it Docker before 25 makes a second network of the same
// name, and Podman 4 gives the existing one as if it were new.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

export interface NetworkSpecification {
  readonly Name: string
  /** An overlay spans the nodes of a Swarm, and is made at its manager. */
  readonly Driver?: 'bridge' | 'overlay'
  /** Of an overlay: that containers, not only services, may be in it. */
  readonly Attachable?: boolean
  /** No way out of the host. */
  readonly Internal?: boolean
  readonly Labels?: Readonly<Record<string, string>>
  /**
   * Such as `{ Config: [{ Subnet: '10.20.0.0/26' }] }`. The engine's own pools end at about 30 networks. `IPRange` is the part
   * of the subnet that addresses are taken from unasked; without a `Gateway` its first address becomes the gateway too.
   */
  readonly IPAM?: {
    readonly Config: readonly { readonly Subnet: string; readonly IPRange?: string; readonly Gateway?: string }[]
  }
  /** Driver options, such as `com.docker.network.bridge.enable_icc`. */
  readonly Options?: Readonly<Record<string, string>>
}

const CreatedNetworkSchema = Type.Object({ Id: Type.String(), Warning: Type.Optional(Type.String()) })

export type CreatedNetwork = Static<typeof CreatedNetworkSchema>

export const networkCreate = defineEndpoint({
  name: 'network-create',
  method: 'POST',
  path: '/networks/create',
  query: [],
  statuses: { 200: 'created', 201: 'created' },
  timeout: 'slow',
  retry: 'after-inspect',
  answer: TypeCompiler.Compile(CreatedNetworkSchema),
  deviations: [
    { engines: 'Podman 4', status: 500, message: /network already exists/i, code: 'conflict' },
    { engines: 'Podman 4', status: 500, message: /subnet \S+ is already used/i, code: 'forbidden' },
  ],
  differences: [
    {
      engines: 'Docker 20.10 to 25',
      does: 'says with 404 that its address pools are used up, later engines with 400',
      client: 'as the status says; a subnet that is given does not come from the pools',
    },
    {
      engines: 'Podman 4',
      does: 'answers 200 with a Warning for options it does not know',
      client: 'gives the Warning',
    },
  ],
  notes: [
    'A subnet that overlaps is 403.',
    'An overlay is stored, and not yet allocated: where it cannot be (its subnet overlaps another overlay’s), it keeps an empty `Driver`.',
    'On a worker of a Swarm an overlay is 403.',
  ],
})

/** Makes a network; an overlay is to be inspected until it has a `Driver`. A taken name is EngineError `conflict`, a bridge's overlapping subnet `forbidden`. */
export function createNetwork(
  transport: Transport,
  specification: NetworkSpecification,
  options: CallOptions = {},
): Promise<CreatedNetwork> {
  return transport.json(networkCreate, {
    path: {},
    body: { json: { ...specification, CheckDuplicate: true } },
    ...options,
  })
}
