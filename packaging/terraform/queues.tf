# Jobs on their way to the sites, news of what was stored, and the dead letters of both.

locals {
  # A message that was taken and not acknowledged this often goes to the dead letters.
  attempts = 5
  queues = {
    jobs        = { seconds = 14 * 86400, dead = "jobs-dead" }
    jobs-dead   = { seconds = 14 * 86400, dead = null }
    events      = { seconds = 4 * 86400, dead = "events-dead" }
    events-dead = { seconds = 14 * 86400, dead = null }
  }
}

resource "aws_sqs_queue" "queue" {
  for_each = local.queues

  name                       = "${local.name}-${each.key}"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = each.value.seconds
  visibility_timeout_seconds = 300
  receive_wait_time_seconds  = 20
  tags                       = local.tags
}

resource "aws_sqs_queue_redrive_policy" "queue" {
  for_each = { for name, queue in local.queues : name => queue.dead if queue.dead != null }

  queue_url = aws_sqs_queue.queue[each.key].id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.queue[each.value].arn
    maxReceiveCount     = local.attempts
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "queue" {
  for_each = { for name, queue in local.queues : queue.dead => name if queue.dead != null }

  queue_url = aws_sqs_queue.queue[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.queue[each.value].arn]
  })
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = local.queues

  queue_url = aws_sqs_queue.queue[each.key].id
  policy    = module.documents.queues[each.key]
}
