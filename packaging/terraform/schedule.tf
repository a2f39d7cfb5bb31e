# Jobs at set times: EventBridge Scheduler puts a message into the queue of jobs.

resource "aws_iam_role" "scheduler" {
  name                 = "${local.name}-scheduler"
  description          = "Puts jobs of tenant ${var.tenant} into their queue"
  assume_role_policy   = module.documents.trust_scheduler
  max_session_duration = 3600
  tags                 = local.tags
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "scheduler"
  role   = aws_iam_role.scheduler.id
  policy = module.documents.scheduler
}

resource "aws_scheduler_schedule_group" "tenant" {
  name = local.name
  tags = local.tags
}

resource "aws_scheduler_schedule" "job" {
  # checkov:skip=CKV_AWS_297: what a schedule says is no secret of an artifact; the tenant's key is for artifacts and buckets alone
  for_each = var.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.tenant.name
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sqs_queue.queue["jobs"].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.message

    dead_letter_config {
      arn = aws_sqs_queue.queue["jobs-dead"].arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}
