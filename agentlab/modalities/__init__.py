"""Models that hear, draw and speak."""

from agentlab.modalities.images import RemoteImageModel, image_model
from agentlab.modalities.results import GeneratedImage, GeneratedImages, Speech, Transcription
from agentlab.modalities.speech import RemoteSpeechModel, speech_model
from agentlab.modalities.traits import ImageGenerationModel, SpeechModel, TranscriptionModel
from agentlab.modalities.transcription import RemoteTranscriptionModel, transcription_model

__all__ = [
    "GeneratedImage",
    "GeneratedImages",
    "ImageGenerationModel",
    "RemoteImageModel",
    "RemoteSpeechModel",
    "RemoteTranscriptionModel",
    "Speech",
    "SpeechModel",
    "Transcription",
    "TranscriptionModel",
    "image_model",
    "speech_model",
    "transcription_model",
]
