/** The program that started the node, among its services: what it calls is called by this one. */
import { defineService } from '../skynet/define-service.ts'

export default defineService(() => {})
