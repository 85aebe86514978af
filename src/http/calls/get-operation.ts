import { defineCall, json } from '../define-call.ts'
import { Operation } from '../openapi/schemas.ts'
import { OperationParams } from '../schemas.ts'

export const getOperation = defineCall({
  name: 'get-operation',
  method: 'GET',
  url: '/room/operations/:operationId',
  access: 'operation',
  summary: 'A long operation',
  params: OperationParams,
  answers: { 200: json('Its state and progress, and its outcome once it has ended.', Operation) },
  problems: [],
  run: async ({ actions: { operations } }, { params }) => operations.get(params.operationId).view(),
})
